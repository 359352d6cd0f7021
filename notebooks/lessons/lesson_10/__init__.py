"""Lesson 10: Your own log, at scale"""
