"""Lesson 09: Did the claims hold?"""
