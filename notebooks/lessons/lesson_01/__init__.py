"""Lesson 01: A log, honestly split"""
