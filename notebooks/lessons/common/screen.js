// A panel's screen: draws the figures that somebody answers with. `screen` knows nothing of widgets or kernels; `render`
// below joins it to a kernel.

const MIME = "application/vnd.plotly.v1+json";
const CONFIG = { displaylogo: false, responsive: false };

// Show a source's figure in `place`, and each later one. A source has
//   figure():        the figure to show now, as plotly's JSON
//   onFigure(hear):  calls `hear` whenever that changes
//   pick(trace, point):  a point of the figure was clicked
// Figures that come while one is being drawn are skipped, but for the newest.
export async function screen(place, plotly, source) {
  let drawing = false, drawn = null;

  async function draw() {
    if (drawing) return;
    drawing = true;
    try {
      while (source.figure() !== drawn) {
        drawn = source.figure();
        const { data, layout, frames } = JSON.parse(drawn);
        if (frames?.length) await plotly.newPlot(place, { data, layout, frames, config: CONFIG }); // stops what plays
        else await plotly.react(place, data, layout, CONFIG);
        place.removeAllListeners("plotly_click");
        place.on("plotly_click", ({ points: [point] }) => source.pick(point.curveNumber, point.pointNumber));
        place.dispatchEvent(new Event("drawn", { bubbles: true }));
      }
    } finally {
      drawing = false;
    }
  }

  source.onFigure(draw);
  await draw();
}

// The plotly.js that JupyterLab loads for plotly's own outputs, or that an earlier panel has left; null if there is none.
async function plotlyOfPage() {
  if (globalThis.Plotly) return globalThis.Plotly;
  const extension = globalThis._JUPYTERLAB?.["jupyterlab-plotly"];
  if (!extension) return null;
  const { RenderedPlotly, rendererFactory } = (await extension.get("./mimeExtension"))();
  if (!RenderedPlotly.Plotly) { // it loads with the first figure
    const empty = { data: { [MIME]: { data: [], layout: {} } }, setData() {} };
    await rendererFactory.createRenderer({ mimeType: MIME }).renderModel(empty);
  }
  return RenderedPlotly.Plotly;
}

// The plotly.js of the kernel: megabytes, so only a page without its own asks.
async function plotlyOfKernel(model, script) {
  if (!script.get("value")) {
    const came = new Promise((done) => script.once("change:value", done));
    model.send({ need: "plotly" });
    await came;
  }
  // without `define` and the like in sight, plotly.js names itself on the window
  const text = `var define, module, exports;\n${script.get("value")}`;
  await import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  return globalThis.Plotly;
}

// anywidget calls this. The figure does not travel through `model`: anywidget loses what it is sent while a page is slow
// to load its script. It is the value of a core widget, whose state outlives that and a reload of the page.
async function render({ model, el }) {
  const [figures, script] = await Promise.all(
    ["figures", "script"].map((name) => model.widget_manager.get_model(model.get(name))),
  );
  let hear = () => {};
  const listener = () => hear();
  figures.on("change:value", listener);
  const place = document.createElement("div");
  el.append(place);
  try {
    const plotly = (await plotlyOfPage().catch(() => null)) ?? (await plotlyOfKernel(model, script));
    await screen(place, plotly, {
      figure: () => figures.get("value"),
      onFigure: (act) => { hear = act; },
      pick: (trace, point) => model.send({ trace, point }),
    });
    el.classList.add("mtmi-drawn"); // the stand-in goes
  } catch (error) {
    place.textContent = `This page cannot draw the figure (${error.message}). Reload it, or open the course in JupyterLab.`;
  }
  return () => figures.off("change:value", listener);
}

export default { render };
