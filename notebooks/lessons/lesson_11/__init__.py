"""Lesson 11: What do the rivals do differently?"""
