-- ARGV: epoch, worker, due of the last slot it leased, due of the last one it used
local worker, last, back = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
enter(tonumber(ARGV[1]))
if s.last == last and back < last then s.last = back end
redis.call('ZREM', WORKERS, worker)
redis.call('ZREM', SEEN, worker)
redis.call('HDEL', ASKED, worker)
leave()
return {s.epoch, s['until'], now}
