"""Lesson 00: See one customer as four"""
