ROUND = 'round '
