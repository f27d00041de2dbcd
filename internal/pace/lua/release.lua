-- ARGV: worker, due of the last slot it leased, due of the last one it used
local worker, last, back = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
enter()
if s.last == last and back < last then s.last = back end
redis.call('ZREM', WORKERS, worker)
redis.call('ZREM', SEEN, worker)
redis.call('HDEL', ASKED, worker)
leave()
return {s.epoch, s['until'], now}
