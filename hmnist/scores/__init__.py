"""How good answers are: scores, their intervals, and whether two models really differ."""
