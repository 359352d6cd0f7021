"""MTMI-lite: multi-interest retrieval, learned step by step. Read the files in the order of the lessons.

Drawing (`mtmi_lite.figures`) and widgets (`mtmi_lite.panels`) are imported on their own, since they take longer.
"""

import os
import sys

# PyTorch, Faiss and scikit-learn each bring an OpenMP library, which reads this when it is loaded. With one thread,
# processes that share few cores stay quick; and on macOS, threads crash where two such libraries meet (pytorch #149201,
# faiss-wheels #73).
os.environ.setdefault("OMP_NUM_THREADS", "1")
if sys.platform == "darwin":
    # The second library to be loaded would end the process with "OMP: Error #15".
    os.environ.setdefault("KMP_DUPLICATE_LIB_OK", "TRUE")
