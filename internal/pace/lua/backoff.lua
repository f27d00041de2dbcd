-- ARGV: seen_epoch, delay in microseconds, 1 when the report may cut the rate
local seen, delay, cut = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
enter()
if cut and seen >= s.cut then
  cut_share()
  s['until'] = math.max(s['until'], now + delay)
  s.f_at = s['until']
  bump()
  s.cut = s.epoch
else
  extend(now + delay)
end
leave()
return {s.epoch, s['until'], now}
