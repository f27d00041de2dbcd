-- The arithmetic of arith.go, loss.go, ramp.go, outage.go, members.go and silence.go, under the same names.
-- KEYS: pace, workers, seen, asked, events, backoff of one host.
-- Instants are microseconds of this server's clock, intervals nanoseconds.
local PACE, WORKERS, SEEN, ASKED, EVENTS, BACKOFF = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local HORIZON, HEARTBEAT, ACTIVE = 1000000, 400000, 5000000
local FIELDS = {'rid', 'last', 'epoch', 'cut', 'born', 'until', 'rate', 'rate_by', 'hold', 'f', 'f_at', 'w', 'top', 'top_at', 'good_at', 'bad', 'probe_at', 'probe_n', 'at', 'muster'}
local FORMAT = {rid = '%s', rate_by = '%s', rate = '%.17g', f = '%.17g', w = '%.17g', top = '%.17g'}

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local rid = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or '?'
local s, news = {}, false

local function int(x) return string.format('%.0f', x) end
local function ceil_div(a, b) return math.floor((a + b - 1) / b) end

local function bump()
  s.epoch = math.max(s.epoch + 1, now)
  news = true
end

local function ceiling(t)
  if s.top_at == 0 then return s.top end
  return math.min(1, s.top + 0.01 * (math.max(0, t - s.top_at) / 600000000))
end

local function share(t)
  local x, top = math.max(0, t - s.f_at) / 18000000, ceiling(t)
  if x < 1 then
    local left = 1 - x
    return math.min(top, s.w - (s.w - s.f) * (left * left * left))
  end
  if x < 2 then return math.min(top, s.w) end
  local over = x - 2
  return math.min(top, s.w + math.max(s.w - s.f, 0.05) * (over * over * over))
end

local function cut_share()
  local share_now = share(now)
  if s.cut > 0 and share_now >= 0.9 * s.w and now - s.f_at < 300000000 then
    s.top, s.top_at = math.max(0.1, 0.96 * share_now), now
  end
  s.w = math.min(share_now, ceiling(now))
  s.f = math.max(0.1, share_now / 2)
end

local function settle()
  s.f = share(now)
  s.w = math.max(s.w, s.f)
end

-- typed removes what another hand made of a key: a value of another type would be an error for ever.
local function typed()
  local whole = true
  for i, want in ipairs({'hash', 'zset', 'zset', 'hash', false, 'string'}) do
    local got = want and redis.call('TYPE', KEYS[i]).ok
    if want and got ~= 'none' and got ~= want then
      redis.call('DEL', KEYS[i])
      whole = false
    end
  end
  return whole
end

-- read takes the stored fields into s and reports whether they are whole: all there, unchanged since they were written,
-- each a number where it has to be one.
local function read()
  local whole = typed()
  local values = redis.call('HMGET', PACE, unpack(FIELDS))
  local sum = redis.call('HGET', PACE, 'sum')
  for i, name in ipairs(FIELDS) do
    local value = values[i] or ''
    values[i] = value
    if FORMAT[name] ~= '%s' then
      value = tonumber(value)
      if not value or value ~= value or math.abs(value) >= 2 ^ 53 then value, whole = 0, false end
    end
    s[name] = value
  end
  return whole and sum == redis.sha1hex(table.concat(values, ' '))
end

local function plausible()
  local ref = math.max(now, s.at)
  for _, name in ipairs({'f', 'w', 'top'}) do
    if s[name] < 0.05 or s[name] > 1 then return false end
  end
  for _, name in ipairs({'born', 'top_at', 'good_at', 'probe_at', 'muster'}) do
    if s[name] < 0 or s[name] > ref then return false end
  end
  return s.at <= now + 1000000000000 and s.epoch <= now + 1000000000000 and s.cut <= s.epoch and s.last <= ref + 2 * HORIZON
    and s['until'] <= ref + 2700000000000 and s.hold <= ref + 400000000000000 and s.rate >= 0 and s.rate <= 1000000
    and s.f_at <= math.max(ref, s['until']) and s.bad >= 0 and s.probe_n >= 0
end

-- rejuvenate keeps no worker alive on a time that has yet to come.
local function rejuvenate()
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', SEEN, '(' .. int(now), '+inf')) do
    redis.call('ZADD', SEEN, int(now), worker)
  end
end

local function lose()
  s = {rid = rid, last = now + HORIZON, epoch = math.max(now, math.min(s.epoch, now + 1000000000000)) + 1, cut = 0, born = now,
    ['until'] = 0, rate = 0, rate_by = '', hold = 0, f = 1, f_at = now, w = 1, top = 1, top_at = 0, good_at = now, bad = 0,
    probe_at = 0, probe_n = 0, at = 0, muster = 0}
  news = true
  rejuvenate()
end

local function shift(back)
  for _, name in ipairs({'born', 'until', 'hold', 'f_at', 'top_at', 'good_at', 'probe_at', 'muster'}) do
    if s[name] > 0 then s[name] = math.max(1, s[name] - back) end
  end
  if back > 2 * HORIZON then s.last = s.last - back end
end

local function enter()
  if not read() or s.rid ~= rid or not plausible() then
    lose()
  elseif now < s.at then
    shift(s.at - now)
    rejuvenate()
  end
  s.at = now
end

local function extend(to)
  if to <= s['until'] then return end
  local beyond = s.last > math.max(now, s['until'])
  settle()
  if s.f < 1 then s.f_at = to end
  s['until'], news = to, true
  if beyond then bump() end
end

local function set_rate(rate, by)
  if rate < s.rate then bump() end
  if rate ~= s.rate then news, s.top, s.top_at = true, 1, 0 end
  s.rate, s.rate_by = rate, by
end

local function set_hold(hold)
  local far = now + 157680000000000
  if s.hold <= now and hold <= now or s.hold > far and hold > far or math.abs(s.hold - hold) < 1000000 then return end
  s.hold = hold
  bump()
end

-- leave ends every operation: it stores the state and tells the subscribers.
local function leave()
  local fields, values = {}, {}
  for i, name in ipairs(FIELDS) do
    values[i] = string.format(FORMAT[name] or '%.0f', s[name])
    fields[#fields + 1] = name
    fields[#fields + 1] = values[i]
  end
  redis.call('HSET', PACE, 'sum', redis.sha1hex(table.concat(values, ' ')), unpack(fields))
  if not news then return end
  if s['until'] > now then
    redis.call('SET', BACKOFF, int(s['until']), 'PX', int(ceil_div(s['until'] - now, 1000)))
  end
  redis.call('PUBLISH', EVENTS, int(s.epoch) .. ' ' .. int(s['until']) .. ' ' .. int(now))
end
