-- The one place that knows the time.
local function now()
  return ngx.time()
end

-- The scopes that are open now to all of `names` together, by name and in order. nil where nothing is, and whether
-- there is a grant at all.
local function opened(names, level)
  local time, found, order, any, ever = now(), {}, {}, false, false
  for _, name in ipairs(names) do
    for _, grant in ipairs(grants[name .. " " .. level] or {}) do
      ever = true
      if grant.from <= time and time < grant.till then
        any = true
        for number in grant.which:gmatch("%d+") do
          local scope = scopes[tonumber(number)]
          if not found[scope.name] then
            found[scope.name] = scope
            order[#order + 1] = scope
          end
        end
      end
    end
  end
  if not any then return nil, ever end
  return { by_name = found, list = order }
end

-- What is open to the caller itself; nil and the reason when nothing is.
local function granted(who, level)
  local found, ever = opened({ who }, level)
  if found then return found end
  return nil, ever and "outside the period of access" or "no grant for this level of access"
end

-- What is open to the caller and to a person with these roles, both, and with her consent where that is asked for; nil
-- and the reason when nothing is.
local function granted_to_both(found, roles, level)
  local theirs, ever = opened(roles, level)
  if not theirs then
    return nil, ever and "outside the period of access of the role" or "no role with a grant for this level of access"
  end
  local both, withheld = { by_name = {}, list = {} }, false
  for _, scope in ipairs(found.list) do
    local consents = not asks[scope.name] or roles.consent[scope.name] == true
    withheld = withheld or theirs.by_name[scope.name] and not consents
    if theirs.by_name[scope.name] and consents then
      both.by_name[scope.name] = scope
      both.list[#both.list + 1] = scope
    end
  end
  if SETTINGS.scoping ~= "none" and #both.list == 0 then
    return nil, withheld and "no consent of the person" or "no data scope that a role is granted too"
  end
  return both
end

-- The client's own Fiware-ServicePath, when it is one plain path inside what the scope holds.
local function narrower(scope)
  local asked = kong.request.get_header("Fiware-ServicePath")
  if not asked or #asked > 256 or not asked:match("^/[%w_/]*#?$") then return nil end
  if asked:find("//", 1, true) or asked:find("[^/]#$") then return nil end
  local plain = asked:gsub("/?#$", "")
  for _, path in ipairs(scope.paths) do
    if path == asked then return asked end
    if path:sub(-2) == "/#" and below(plain, path == "/#" and "/" or path:sub(1, -3)) then return asked end
  end
  return nil
end

local function scoped_by_headers(found)
  local asked = kong.request.get_header("X-Data-Scope")
  local scope = asked and found.by_name[asked] or (not asked and #found.list == 1 and found.list[1])
  if not scope then
    return asked and "data scope not granted" or "several data scopes: name one in the header X-Data-Scope"
  end
  local path = narrower(scope) or table.concat(scope.paths, ",")
  kong.service.request.set_header("Fiware-Service", scope.service)
  kong.service.request.set_header("Fiware-ServicePath", path)
  kong.ctx.shared.renkei_scope = scope.name
  return nil
end

local function scoped_by_path(found, rest)
  for _, scope in ipairs(found.list) do
    for _, prefix in ipairs(scope.paths) do
      if below(rest == "" and "/" or rest, prefix) then
        kong.ctx.shared.renkei_scope = scope.name
        return nil
      end
    end
  end
  return "data scope not granted for this path"
end

-- The name of a field as an upstream may read it: escapes decoded, however often, no case, up to a bracket, and of that
-- letters and digits; nil where it cannot be read.
local function read_as(name)
  local text, before = name:gsub("%+", " "), nil
  repeat
    if text:find("%%%X") or text:find("%%%x%X") or text:find("%%%x?$") then return nil end
    before = text
    text = text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  until text == before
  return (text:lower():gsub("[%[%z].*$", ""):gsub("[^a-z0-9]", ""))
end

-- The values that are granted with their scopes, how many, and the last.
local function granted_values(found)
  local scope_of, count, last = {}, 0, nil
  for _, scope in ipairs(found.list) do
    for _, value in ipairs(scope.paths) do
      if not scope_of[value] then count, last = count + 1, value end
      scope_of[value] = scope_of[value] or scope
    end
  end
  return scope_of, count, last
end

-- The field must stand once, as it is named, with one granted value as it is; left out it is set, where there is but one.
local function scoped_by_query(found)
  local query, field = kong.request.get_raw_query() or "", SETTINGS.field
  local scope_of, count, last = granted_values(found)
  local value, times = nil, 0
  for part in query:gmatch("[^&;]+") do
    local name = read_as(part:match("^[^=]*"))
    if not name then return "the query has a name that cannot be read" end
    if name == read_as(field) then
      times, value = times + 1, part:sub(#field + 2)
    end
  end
  if times == 0 then
    if count ~= 1 then return "several data scopes: name one in the query" end
    value = last
    kong.service.request.set_raw_query((query == "" and "" or query .. "&") .. field .. "=" .. value)
  elseif times > 1 or not ("&" .. query .. "&"):find("&" .. field .. "=" .. value .. "&", 1, true) then
    return "the query must name the data once and plainly"
  end
  if not scope_of[value] then return "data scope not granted" end
  kong.ctx.shared.renkei_scope = scope_of[value].name
  return nil
end
