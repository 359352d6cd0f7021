"""Lesson 07: K lists, one ranking"""
