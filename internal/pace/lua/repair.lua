-- ARGV: 1 to begin a new state, 0 to end the upstream's silence
enter()
if ARGV[1] == '1' then
  lose()
  s.at = now
elseif s['until'] > now then
  s['until'] = now
  settle()
  s.f_at = now
  bump()
end
leave()
return {s.epoch, s['until'], now}
