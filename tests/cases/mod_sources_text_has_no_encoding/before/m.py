WORD = "x"
