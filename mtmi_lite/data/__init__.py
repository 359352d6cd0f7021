"""Where logs come from: the shipped log, the planted world, the paper's data sets, files of one's own."""
