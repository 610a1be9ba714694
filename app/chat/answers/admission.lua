-- The queues of all processes in one step, so that nobody can come in between. See shared_admission.py.
--
-- A process says all that it has, waiting and running; what it does not say any more is gone, and so is what a process had that was
-- silent for too long. Then places are given away: users in turn, within a user's line first come, first served.
--
-- KEYS  tickets (id -> process, provider, user, number, granted), processes (id -> last seen), turns (line -> number), numbers
-- ARGV  process, places at each provider or -1, answers at a time for a user, seconds of silence, and (id, provider, user, granted)…
-- Gives the ids of this process that may run, and then, alternating, those that wait and their places.

local tickets_key, processes_key, turns_key, numbers_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local me, slots, per_user, silence = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local now = tonumber(redis.call('TIME')[1])

local function number()
  return redis.call('INCR', numbers_key)
end

local function pairs_of(key)
  local flat, found = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do found[flat[i]] = flat[i + 1] end
  return found
end

local function save(ticket)
  redis.call('HSET', tickets_key, ticket.id, cmsgpack.pack({ticket.process, ticket.provider, ticket.user, ticket.number, ticket.granted}))
end

local said = {}
for i = 5, #ARGV, 4 do
  said[ARGV[i]] = {id = ARGV[i], process = me, provider = ARGV[i + 1], user = ARGV[i + 2], granted = ARGV[i + 3] == '1'}
end

redis.call('HSET', processes_key, me, now)
local alive = pairs_of(processes_key)
for process, seen in pairs(alive) do
  if now - tonumber(seen) > silence then
    redis.call('HDEL', processes_key, process)
    alive[process] = nil
  end
end

local tickets = {}
for id, packed in pairs(pairs_of(tickets_key)) do
  local process, provider, user, n, granted = unpack(cmsgpack.unpack(packed))
  if alive[process] and (process ~= me or said[id]) then
    tickets[id] = {id = id, process = process, provider = provider, user = user, number = n, granted = granted}
  else
    redis.call('HDEL', tickets_key, id)
  end
end

for i = 5, #ARGV, 4 do -- in the order of arrival
  local ticket = said[ARGV[i]]
  local known = tickets[ticket.id]
  if not known then
    ticket.number = number()
    tickets[ticket.id] = ticket
    save(ticket)
  elseif ticket.granted and not known.granted then -- by its own process, while it was alone
    known.granted = true
    save(known)
  end
end

-- Lines: one for each user at each provider; `turn` says who is next.
local running_at, running_of, running_here, lines = {}, {}, {}, {}
local share = slots < 0 and math.huge or math.max(slots - 1, 1) -- see Admission._may_have_more
local turns = pairs_of(turns_key)
for _, ticket in pairs(tickets) do
  if ticket.granted then
    running_at[ticket.provider] = (running_at[ticket.provider] or 0) + 1
    running_of[ticket.user] = (running_of[ticket.user] or 0) + 1
    running_here[ticket.provider .. '|' .. ticket.user] = (running_here[ticket.provider .. '|' .. ticket.user] or 0) + 1
  else
    local name = ticket.provider .. '|' .. ticket.user
    lines[name] = lines[name] or {name = name, provider = ticket.provider, user = ticket.user, tickets = {}}
    table.insert(lines[name].tickets, ticket)
  end
end
for name in pairs(turns) do
  if not lines[name] then redis.call('HDEL', turns_key, name) end
end
local queue = {}
for name, line in pairs(lines) do
  table.sort(line.tickets, function(a, b) return a.number < b.number end)
  line.turn = tonumber(turns[name] or line.tickets[1].number)
  table.insert(queue, line)
end
local function by_turn(a, b) return a.turn < b.turn end
table.sort(queue, by_turn)

local function next_line()
  for _, line in ipairs(queue) do
    local is_free = slots < 0 or (running_at[line.provider] or 0) < slots
    local may_have_more = (running_of[line.user] or 0) < per_user and (running_here[line.name] or 0) < share
    if #line.tickets > 0 and is_free and may_have_more then return line end
  end
end

local line = next_line()
while line do
  local ticket = table.remove(line.tickets, 1)
  ticket.granted = true
  save(ticket)
  running_at[ticket.provider] = (running_at[ticket.provider] or 0) + 1
  running_of[ticket.user] = (running_of[ticket.user] or 0) + 1
  running_here[line.name] = (running_here[line.name] or 0) + 1
  line.turn = number()
  table.sort(queue, by_turn)
  line = next_line()
end
for _, one in ipairs(queue) do
  if #one.tickets > 0 then
    redis.call('HSET', turns_key, one.name, one.turn)
  else
    redis.call('HDEL', turns_key, one.name)
  end
end

local granted, waiting = {}, {}
for id, ticket in pairs(tickets) do
  if ticket.process == me and ticket.granted then table.insert(granted, id) end
end
for _, mine in ipairs(queue) do
  for index, ticket in ipairs(mine.tickets) do
    if ticket.process == me then
      local place, is_before = index, 1
      for _, other in ipairs(queue) do
        if other == mine then
          is_before = 0
        elseif other.provider == mine.provider then
          place = place + math.min(#other.tickets, index - 1 + is_before)
        end
      end
      table.insert(waiting, ticket.id)
      table.insert(waiting, place)
    end
  end
end
for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, 3600) end
return {granted, waiting}
