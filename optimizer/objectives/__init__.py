"""Objectives: one expression over closed ledgers each."""
