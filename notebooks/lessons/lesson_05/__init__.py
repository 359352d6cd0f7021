"""Lesson 05: Pull: inverse-distance weights"""
