"""MTMI-lite: multi-interest retrieval, learned step by step. Read the files in the order of the lessons.

Drawing (`mtmi_lite.figures`) and widgets (`mtmi_lite.panels`) are imported on their own, since they take longer.
"""
