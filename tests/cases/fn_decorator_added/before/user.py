from m import hello

TABLE = {'hello': hello}
