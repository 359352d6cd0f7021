"""Lesson 12: Do features and profiles help?"""
