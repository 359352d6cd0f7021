"""Lesson 02: One tower, one vector"""
