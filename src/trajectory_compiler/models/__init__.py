"""Model access: one small protocol over the model library, with cache, budget, price and retry.

A key in the environment never turns a model on by itself: nothing here is used unless a command names a model.
"""
