-- What the gateway itself answers when it refuses or fails, as problem details (RFC 9457) in the caller's language.
--
-- Runs in header_filter, also after an early exit of another plugin; an answer of the upstream is never touched. SETTINGS
-- stands before this text, written by renkei. The body is left in kong.ctx.shared for body_filter.
--
-- Nothing of the request is repeated but a correlation id that has the form of a UUID. `reason` is the guard's own word, the
-- same as in the access log. No text has a quote or a backslash, so each stands in JSON as it is.

local TEXTS = {
  [400] = { ja = { "要求の形式が正しくありません", "要求を解釈できません。" },
            en = { "Bad Request", "The request cannot be understood." } },
  [401] = { ja = { "認証が必要です", SETTINGS.credentials.ja }, en = { "Unauthorized", SETTINGS.credentials.en } },
  [403] = { ja = { "利用が許可されていません", "この呼出しは許可されていません。" },
            en = { "Forbidden", "This call is not granted." } },
  [404] = { ja = { "見つかりません", "この呼出しに当たるものはありません。" },
            en = { "Not Found", "There is nothing for this call." } },
  [411] = { ja = { "Content-Length が必要です", "ヘッダー Content-Length を付けてください。" },
            en = { "Length Required", "Send the header Content-Length." } },
  [413] = { ja = { "本文が大きすぎます", "要求の本文がこの API の上限を超えています。" },
            en = { "Content Too Large", "The body is larger than this API takes." } },
  [429] = { ja = { "利用回数の上限に達しました", "Retry-After の秒数が過ぎてから呼び出してください。" },
            en = { "Too Many Requests", "Call again after the seconds in Retry-After." } },
  [500] = { ja = { "ゲートウェイの内部エラー", "運用者に instance の値を伝えてください。" },
            en = { "Internal Server Error", "Tell the operator the value of instance." } },
  [502] = { ja = { "提供元の応答が正しくありません", "提供元のサーバーから正しい応答を得られませんでした。" },
            en = { "Bad Gateway", "The server behind the gateway gave no valid answer." } },
  [503] = { ja = { "現在利用できません", "提供元のサーバーが利用できません。時間をおいて呼び出してください。" },
            en = { "Service Unavailable", "No server behind the gateway can be reached. Call again later." } },
  [504] = { ja = { "提供元の応答がありません", "提供元のサーバーが時間内に応答しませんでした。" },
            en = { "Gateway Timeout", "The server behind the gateway did not answer in time." } },
}
TEXTS[417] = TEXTS[413] -- Kong's status for too large a body with Expect
local OTHER = { ja = { "要求を処理できません", "この要求は処理されませんでした。" },
                en = { "Refused", "The request was not carried out." } }

-- The guard's reasons in Japanese; in English they are the detail as they are.
local REASONS = {
  ["no credentials"] = "資格情報がありません。",
  ["no grant for this level of access"] = "この操作の利用許可がありません。",
  ["not from this address"] = "この接続元アドレスからは利用できません。",
  ["no level of access has this call"] = "この呼出しはどの操作にも含まれていません。",
  ["outside the period of access"] = "利用期間外です。",
  ["data scope not granted"] = "このデータ範囲の利用許可がありません。",
  ["data scope not granted for this path"] = "このパスのデータ範囲の利用許可がありません。",
  ["several data scopes: name one in the header X-Data-Scope"] =
    "データ範囲が複数あります。ヘッダー X-Data-Scope で 1 つ指定してください。",
  ["a token is needed"] = "トークンが必要です。",
  ["no token is taken here"] = "ここではトークンは使えません。",
  ["not an access token"] = "アクセストークンではありません。",
  ["a token that is not valid yet"] = "トークンの有効期間がまだ始まっていません。",
  ["a token of another issuer"] = "発行者の異なるトークンです。",
  ["a token for another audience"] = "この基盤宛てのトークンではありません。",
  ["not a token that the service has got for itself"] = "サービスが自分のために取得したトークンではありません。",
  ["neither the service's own token nor that of a person"] = "サービス自身のトークンでも利用者のトークンでもありません。",
  ["not for users"] = "利用者による呼出しはできません。",
  ["only for users"] = "利用者だけが呼び出せます。",
  ["no role with a grant for this level of access"] = "この操作を許可された役割がありません。",
  ["outside the period of access of the role"] = "役割の利用期間外です。",
  ["no consent of the person"] = "ご本人の同意がありません。",
  ["no data scope that a role is granted too"] = "役割に許可されたデータ範囲がありません。",
  ["the path has an encoded slash, a backslash or a zero byte"] =
    "パスにエンコードされたスラッシュ、バックスラッシュまたは NUL があります。",
  ["the path must be plain: no '//', no dot segments, no ';'"] =
    "パスに連続するスラッシュ、ドットセグメント、セミコロンは使えません。",
  ["the path has an escape within an escape"] = "パスに二重のエンコードは使えません。",
  ["the path is another level's but for its case"] = "大文字と小文字の違いだけで別の操作に当たるパスは使えません。",
  ["the header Connection names one that the gateway sets"] =
    "ヘッダー Connection に、ゲートウェイが設定するヘッダーの名前は書けません。",
  ["several data scopes: name one in the query"] = "データ範囲が複数あります。クエリで 1 つ指定してください。",
  ["the query must name the data once and plainly"] =
    "クエリのデータ範囲は、1 回だけ、そのままの文字で指定してください。",
  ["the query has a name that cannot be read"] = "クエリに読み取れない名前があります。",
  ["too many headers"] = "ヘッダーが多すぎます。",
}

local UUID = "^" .. ("%x"):rep(8) .. ("%-" .. ("%x"):rep(4)):rep(3) .. "%-" .. ("%x"):rep(12) .. "$"
local WINDOWS = { "Year", "Month", "Day", "Hour", "Minute", "Second" }

-- ja or en, whichever the caller prefers; the platform's own where he says neither.
local function language()
  local asked = kong.request.get_header("Accept-Language")
  local best, quality = SETTINGS.language, 0
  if not asked or #asked > 256 then return best end
  for item in asked:lower():gmatch("[^,]+") do
    local tag = item:match("^%s*(%a+)")
    local weight = tonumber(item:match(";%s*q=([^;%s]*)") or 1) or 0
    if (tag == "ja" or tag == "en") and weight > quality then best, quality = tag, weight end
  end
  return best
end

-- Which limit is used up, as members of the problem: `limit` calls `per` window, and the seconds until it begins anew.
local function limit()
  local said, after = "", kong.response.get_header("Retry-After")
  for _, window in ipairs(WINDOWS) do
    local most = kong.response.get_header("X-RateLimit-Limit-" .. window)
    if tonumber(most) and kong.response.get_header("X-RateLimit-Remaining-" .. window) == "0" then
      said = (',"limit":%d,"per":"%s"'):format(tonumber(most), window:lower())
      break
    end
  end
  if tonumber(after) then said = said .. (',"retry_after":%d'):format(tonumber(after)) end
  return said
end

local function problem(status, tongue)
  local text = (SETTINGS.texts and SETTINGS.texts[status] or TEXTS[status] or OTHER)[tongue]
  local title, detail, more = text[1], text[2], text[3] or ""
  local reason = kong.ctx.shared.renkei_decision
  if type(reason) == "string" and reason ~= "allowed" and not reason:find('["\\%c]') then
    detail = tongue == "ja" and REASONS[reason] or reason
    more = more .. (',"reason":"%s"'):format(reason)
  end
  if status == 429 then more = more .. limit() end
  local id = kong.response.get_header("X-Correlation-ID")
  if type(id) == "string" and id:match(UUID) then more = more .. (',"instance":"urn:uuid:%s"'):format(id:lower()) end
  return ('{"type":"about:blank","title":"%s","status":%d,"detail":"%s"%s}'):format(title, status, detail, more)
end

local function answer()
  local status = kong.response.get_status()
  if status < 400 or kong.response.get_source() == "service" then return end
  local tongue = language()
  local body = problem(status, tongue)
  kong.response.set_header("Content-Type", "application/problem+json; charset=utf-8")
  kong.response.set_header("Content-Length", #body)
  kong.response.set_header("Content-Language", tongue)
  kong.response.add_header("Vary", "Accept-Language")
  kong.response.clear_header("Content-Encoding")
  kong.ctx.shared.renkei_problem = body
end

-- A header_filter that fails would close the connection without an answer.
return function() pcall(answer) end
