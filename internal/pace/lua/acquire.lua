-- ARGV: epoch, worker, rate, headroom, limit, want, ahead, until, operator's rate, who set it, operator's hold, ok, bad
local worker, asked, headroom = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local limit, want, ahead = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local known, op_rate, op_by, op_hold = tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10], tonumber(ARGV[11])
local ok, bad = tonumber(ARGV[12]), tonumber(ARGV[13])

local function see()
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', SEEN, '-inf', '(' .. int(now - ACTIVE))) do
    redis.call('ZREM', SEEN, gone)
    redis.call('ZREM', WORKERS, gone)
    redis.call('HDEL', ASKED, gone)
  end
  redis.call('ZADD', WORKERS, 'NX', int(now), worker)
  redis.call('ZADD', SEEN, int(now), worker)
  redis.call('HSET', ASKED, worker, ARGV[3])
end

local function lowest()
  local least = asked
  for _, rate in ipairs(redis.call('HVALS', ASKED)) do least = math.min(least, tonumber(rate)) end
  return least
end

local function learn()
  extend(known)
  local lost = now < s.born + HORIZON
  if op_rate > 0 and (s.rate_by == '' or (lost and op_rate < s.rate)) then set_rate(op_rate, op_by) end
  if lost and op_hold > s.hold then set_hold(op_hold) end
  if s.rate_by == '' then set_rate(lowest(), '') end
end

local function patience()
  if s.rate * share(now) < 10 then return 10000000 end
  return 3000000
end

local function judge()
  if ok > 0 then
    if s.probe_at > 0 then
      s.w = share(now)
      s.f, s.f_at = math.max(0.1, s.w / 2), math.max(now, s['until'])
      news = true
    end
    s.good_at, s.bad, s.probe_at, s.probe_n = now, 0, 0, 0
    return
  end
  s.bad = s.bad + bad
  local sending = now - math.max(s.good_at, s['until'], s.hold)
  if s.probe_at == 0 and s.bad >= 10 and sending >= patience() then
    s.probe_at, s.probe_n = now, 0
    bump()
  end
end

local g = {n = 0, base = 0, off = 0, probe = 0, wait = HEARTBEAT, standby = 0}

local function probe(silent)
  local at = s.probe_at + math.min(60000000, 5000000 * 2 ^ math.min(s.probe_n, 8))
  local start = math.max(at, silent, s.last + ceil_div(g.gap, 1000))
  if start > now then
    g.wait = start - now
    return
  end
  if want < 1 then return end
  g.n, g.base, g.probe, g.wait = 1, now, 1, 0
  s.last, s.probe_at, s.probe_n = now, now, s.probe_n + 1
end

local function turn(rank)
  local places = math.max(1, math.floor(HEARTBEAT * 1000 / g.gap))
  return math.floor(rank % places * g.gap / 1000)
end

local function slots(silent, rank)
  local idle = now - s.last
  g.base = math.max(now, silent)
  if (s.last - g.base) * 1000 + g.gap >= 0 then g.base, g.off = s.last, g.gap end
  local room = (now + ahead - g.base) * 1000 - g.off
  if room < 0 then
    g.wait = ceil_div(-room, 1000) + turn(rank)
    return
  end
  local fair = math.max(1, math.floor(1e9 / g.gap / g.active))
  local n = math.min(want, math.floor(room / g.gap) + 1, fair)
  if n < 1 then return end
  g.n, g.wait = n, 0
  s.last = g.base + ceil_div(g.off + (n - 1) * g.gap, 1000)
  if s.bad == 0 and idle > patience() + math.floor(g.gap / 1000) then s.good_at = now end
end

local function lease()
  local rank = redis.call('ZRANK', WORKERS, worker)
  local silent = math.max(s['until'], s.hold)
  g.active = redis.call('ZCARD', SEEN)
  if limit > 0 then g.active = math.min(g.active, limit) end
  g.gap = math.ceil(1e9 / (s.rate * share(math.max(now, s.last, silent)) * (1 - headroom)))
  if limit > 0 and rank >= limit then
    g.standby = 1
  elseif now < s.born + HORIZON then
    g.wait = s.born + HORIZON - now
  elseif s.probe_at > 0 then
    probe(silent)
  else
    slots(silent, rank)
  end
end

enter(tonumber(ARGV[1]))
see()
learn()
judge()
lease()
leave()
local outage = 0
if s.probe_at > 0 then outage = 1 end
return {g.n, g.base, g.off, g.gap, g.probe, s.epoch, s['until'], s.hold, string.format('%.17g', s.rate), s.rate_by,
  string.format('%.17g', share(now)), string.format('%.17g', ceiling(now)), now, g.wait, s.good_at, outage, g.active, g.standby}
