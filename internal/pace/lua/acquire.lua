-- ARGV: worker, rate, headroom, limit, want, ahead, left of the silence, operator's rate, who set it, left of the
-- operator's hold, ok, bad, grace, 1 after a spell without this server, requests/s that no slot may exceed
local worker, asked, headroom = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local limit, want, ahead = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local silent, op_rate, op_by, op_hold = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9], tonumber(ARGV[10])
local ok, bad = tonumber(ARGV[11]), tonumber(ARGV[12])
local grace, spell, most = math.max(tonumber(ARGV[13]), HORIZON), ARGV[14] == '1', tonumber(ARGV[15])

-- forget removes workers of which the three keys do not say the same.
local function forget()
  local names = redis.call('ZRANGE', WORKERS, 0, -1)
  for _, name in ipairs(redis.call('HKEYS', ASKED)) do names[#names + 1] = name end
  for _, name in ipairs(names) do
    if not redis.call('ZSCORE', SEEN, name) then
      redis.call('ZREM', WORKERS, name)
      redis.call('HDEL', ASKED, name)
    end
  end
end

local function see()
  rejuvenate()
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', SEEN, '-inf', '(' .. int(now - ACTIVE))) do
    redis.call('ZREM', SEEN, gone)
    redis.call('ZREM', WORKERS, gone)
    redis.call('HDEL', ASKED, gone)
  end
  redis.call('ZADD', WORKERS, 'NX', int(now), worker)
  redis.call('ZADD', SEEN, int(now), worker)
  redis.call('HSET', ASKED, worker, ARGV[2])
  local seen = redis.call('ZCARD', SEEN)
  if redis.call('ZCARD', WORKERS) ~= seen or redis.call('HLEN', ASKED) ~= seen then forget() end
end

local function lowest()
  local least = asked
  for _, value in ipairs(redis.call('HVALS', ASKED)) do
    local rate = tonumber(value)
    if rate and rate > 0 then least = math.min(least, rate) end
  end
  return least
end

local function learn()
  local lost = now < s.born + grace
  local to = now + silent
  if (lost or spell or s.muster > 0) and silent > 0 and (s['until'] <= now or to > s['until'] + 100000) then extend(to) end
  if op_rate > 0 and (s.rate_by == '' or (lost and op_rate < s.rate)) then set_rate(op_rate, op_by) end
  if lost and op_hold > 0 and now + op_hold > s.hold then set_hold(now + op_hold) end
  if s.rate_by == '' then set_rate(lowest(), '') end
  if spell and s.muster == 0 and redis.call('ZCARD', SEEN) > 1 then s.muster, news = now, true end
end

local function mustering()
  if s.muster == 0 then return false end
  if redis.call('ZCOUNT', SEEN, '-inf', '(' .. int(s.muster)) > 0 then return true end
  s.muster = 0
  return false
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
  local rate = s.rate
  if most > 0 then rate = math.min(rate, most) end
  g.gap = math.ceil(1e9 / (rate * share(math.max(now, s.last, silent)) * (1 - headroom)))
  if limit > 0 and rank >= limit then
    g.standby = 1
  elseif now < s.born + grace then
    g.wait = s.born + grace - now
  elseif mustering() then
    g.wait = HEARTBEAT / 8
  elseif s.probe_at > 0 then
    probe(silent)
  else
    slots(silent, rank)
  end
end

enter()
see()
learn()
judge()
lease()
leave()
local outage = 0
if s.probe_at > 0 then outage = 1 end
return {g.n, g.base, g.off, g.gap, g.probe, s.epoch, s.born, s['until'], s.hold, string.format('%.17g', s.rate), s.rate_by,
  string.format('%.17g', share(now)), string.format('%.17g', ceiling(now)), now, g.wait, s.good_at, outage, g.active, g.standby}
