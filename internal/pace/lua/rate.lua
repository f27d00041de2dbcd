-- ARGV: epoch, rate, who set it
enter(tonumber(ARGV[1]))
set_rate(tonumber(ARGV[2]), ARGV[3])
leave()
return {s.epoch, s['until'], now}
