"""Lesson 03: Several towers, one table"""
