-- ARGV: length of the hold from now in microseconds, 0 to resume
local length = tonumber(ARGV[1])
enter()
if length > 0 then set_hold(now + length) else set_hold(0) end
leave()
return {s.epoch, s['until'], now}
