-- ARGV: rate, who set it
enter()
set_rate(tonumber(ARGV[1]), ARGV[2])
leave()
return {s.epoch, s['until'], now}
