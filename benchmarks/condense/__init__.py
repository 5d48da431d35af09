"""How good the condenser is, measured from outside: `bot.py condense` against gold written by hand and other tools.

Nothing here imports a package of the project: what measures a rule is never what enforces it.
"""
