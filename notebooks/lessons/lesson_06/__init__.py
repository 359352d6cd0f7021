"""Lesson 06: Push: when do towers collapse?"""
