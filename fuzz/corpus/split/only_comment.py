# nothing

   # here