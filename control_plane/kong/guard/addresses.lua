-- Addresses: where who may call from. The plugin ip-restriction asks too, and before calls are counted; but it changes in
-- a write of its own, and what is asked here changes together with the grants.
--
-- An address is a list of numbers of 16 bits: two of IPv4, eight of IPv6.

-- "203.0.113.7" as two numbers; nil when it is none.
local function quad(text)
  local bytes = { text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$") }
  if #bytes ~= 4 then return nil end
  for place, byte in ipairs(bytes) do
    bytes[place] = tonumber(byte)
    if bytes[place] > 255 then return nil end
  end
  return { bytes[1] * 256 + bytes[2], bytes[3] * 256 + bytes[4] }
end

-- Groups between colons as numbers, the last one perhaps as "203.0.113.7"; nil when one is none.
local function groups(text)
  local found = {}
  for part in text:gmatch("[^:]+") do
    local low = quad(part)
    if low then
      found[#found + 1], found[#found + 2] = low[1], low[2]
    elseif part:match("^%x%x?%x?%x?$") then
      found[#found + 1] = tonumber(part, 16)
    else
      return nil
    end
  end
  return found
end

-- The address; nil when the text is none. "::" stands for as many zeros as are missing.
local function address(text)
  if not text:find(":", 1, true) then return quad(text) end
  local before, after = text:match("^(.-)::(.*)$")
  local first, last = groups(before or text), groups(after or "")
  if not first or not last then return nil end
  local missing = 8 - #first - #last
  if before and missing < 1 or not before and missing ~= 0 then return nil end
  for _ = 1, missing do first[#first + 1] = 0 end
  for _, number in ipairs(last) do first[#first + 1] = number end
  return first
end

-- The IPv4 address that an IPv6 one carries, as a node that listens for both shows it: ::ffff:203.0.113.7.
local function carried(found)
  for place = 1, 5 do
    if found[place] ~= 0 then return nil end
  end
  return #found == 8 and found[6] == 65535 and { found[7], found[8] } or nil
end

-- Whether the first bits of the address are the network's.
local function inside(found, network)
  if #found ~= #network.address then return false end
  local bits = network.bits
  for place, number in ipairs(network.address) do
    if bits <= 0 then return true end
    local size = bits < 16 and 2 ^ (16 - bits) or 1
    if math.floor(found[place] / size) ~= math.floor(number / size) then return false end
    bits = bits - 16
  end
  return true
end

for who, list in pairs(networks) do
  local parsed = {}
  for text, bits in list:gmatch("(%S+)/(%d+)") do
    parsed[#parsed + 1] = { address = address(text), bits = tonumber(bits) }
  end
  networks[who] = parsed
end

-- Whether the call comes from where `who` may call from: everywhere, where the table names no addresses.
local function from_there(who)
  local allowed = networks[who]
  if not allowed then return true end
  local found = address(kong.client.get_forwarded_ip() or "")
  local low = found and carried(found)
  for _, network in ipairs(allowed) do
    if found and inside(found, network) or low and inside(low, network) then return true end
  end
  return false
end
