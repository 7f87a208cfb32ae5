-- Whether `path` is `prefix` or stands below it.
local function below(path, prefix)
  if prefix == "/" then return true end
  return path == prefix or path:sub(1, #prefix + 1) == prefix .. "/"
end

-- The path below the version's own, as it goes on to the upstream; nil when it does not lie there. The default is for
-- callers who name no version: what lies in another one is that version's, also when that does not answer.
local function rest_of(path)
  if below(path, SETTINGS.prefix) then return path:sub(#SETTINGS.prefix + 1) end
  if not SETTINGS.default or not below(path, SETTINGS.default) then return nil end
  for other in SETTINGS.others:gmatch("%S+") do
    if below(path, other) then return nil end
  end
  return path:sub(#SETTINGS.default + 1)
end

-- The level that takes this call. With `path` each pattern is taken as it is, with `folded` in small letters.
local function level_of(method, rest, by)
  local list = segments(rest)
  for _, call in ipairs(calls) do
    local fits = call.methods[method] and #call[by] <= #list
    for place, segment in ipairs(call[by]) do
      fits = fits and (segment == "*" or segment == list[place])
    end
    if fits then return call.level end
  end
  return nil
end

-- The level of the call; nil and the reason when it has none. The router found one; the path must say the same, for
-- while routes change another level's may have taken the call.
local function level_of_call(rest)
  local route, method = kong.router.get_route(), kong.request.get_method()
  local level = route and route.name and levels[route.name]
  if not level or not rest or level ~= level_of(method, rest, "path") then
    return nil, "no level of access has this call"
  end
  if patterns and level ~= level_of(method, rest:lower(), "folded") then
    return nil, "the path is another level's but for its case"
  end
  return level
end

-- What was judged is what goes on: the route of a level with paths strips nothing.
local function send_on(rest)
  local base = (kong.router.get_service().path or ""):gsub("/$", "")
  local path = base .. rest
  kong.service.request.set_path(path == "" and "/" or path)
end
