"""Lesson 04: Who answers for the target?"""
