"""MTMI-lite: multi-interest retrieval, learned step by step. Read it in this order:

interactions  one log as flat arrays: filter it, split it by user, draw training samples, cut evaluation cases
towers        from a user's history to vectors: mean, GRU, attention of three kinds, MIND's, ComiRec's
models        K towers over one table of items; Most Popular
baselines     two that are no networks: EASE and ItemKNN
losses        share × pull + β · repel, and the objectives of the rivals
retrieval     nearest items of each tower (Faiss), merged into one ranking; a memory of what the user had
metrics       recall, hit rate, NDCG; what the towers do; intervals
runs          training settings, checkpoints, results on disk
training      the loop

data/         where logs come from: the shipped log, the planted world, the paper's data sets, files of your own
lab/          recipes of models, many trainings kept on disk, and what may be said of them
files         whole files or none, used by all of these
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
