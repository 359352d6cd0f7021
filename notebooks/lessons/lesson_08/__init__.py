"""Lesson 08: The laboratory: where is the peak?"""
