//! The stream of all events in Redis, for other systems that read it with consumer groups.
//!
//! An entry's id is `<run>-<position>`: the position in the log, and when this run of the stream began, in milliseconds. Within
//! a run positions are contiguous, and what is added again changes nothing. A new run begins when the stream is of another
//! log (another epoch), when Redis lost what it had, or when the log has forgotten what is missing: its time is later than the
//! last run's, so ids never run backwards, though positions may.

use redis::RedisResult;

/// What is added of an event.
#[derive(Debug, Clone)]
pub struct StreamEntry {
    /// Its place in the log.
    pub position: i64,
    /// Names and values, without the position and the log's epoch.
    pub fields: [(&'static str, String); 5],
}

/// Events to be added.
#[derive(Debug, Clone, Copy)]
pub struct StreamBatch<'a> {
    /// The stream's name, without the prefix.
    pub name: &'a str,
    /// About how many entries it keeps.
    pub length: u64,
    /// Which incarnation of the log they are of.
    pub epoch: i32,
    /// They are all that came after this position, up to the last of them.
    pub after: i64,
    /// Whether a new run begins with them, whatever the stream has.
    pub begins: bool,
    /// The events, oldest first.
    pub entries: &'a [StreamEntry],
}

/// What the stream has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamTop {
    /// Everything up to this position, with what was to be added.
    At(i64),
    /// Everything up to this position only: nothing was added, since something would be missing in between.
    Behind(i64),
    /// Nothing of this log: nothing was added.
    Nothing,
}

/// One script, so that of two instances that add the same each entry comes from one, and nothing comes between the look and the
/// addition. It remembers nothing but the stream itself.
const SCRIPT: &str = "
local epoch, length, after, begins = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1'
local top = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local run, position, is_ours = 0, 0, false
if top then
  local dash = string.find(top[1], '-', 1, true)
  run, position = tonumber(string.sub(top[1], 1, dash - 1)), tonumber(string.sub(top[1], dash + 1))
  for place = 1, #top[2], 2 do
    if top[2][place] == 'epoch' and top[2][place + 1] == epoch then is_ours = true end
  end
end
if begins then
  local time = redis.call('TIME')
  run = math.max(run + 1, time[1] * 1000 + math.floor(time[2] / 1000))
  position = after
elseif not is_ours then
  return {2, 0}
elseif position < after then
  return {1, position}
end
for first = 5, #ARGV, 11 do
  local new = tonumber(ARGV[first])
  if new > position then
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', length, string.format('%.0f-%.0f', run, new),
      'epoch', epoch, 'position', ARGV[first], unpack(ARGV, first + 1, first + 10))
    position = new
  end
end
return {0, position}
";

impl super::redis::RedisBus {
    /// Adds `batch` to the stream, as far as that leaves no hole.
    pub(super) async fn add(&self, batch: StreamBatch<'_>) -> RedisResult<StreamTop> {
        let StreamBatch { name, length, epoch, after, begins, entries } = batch;
        let mut eval = redis::cmd("EVAL");
        eval.arg(SCRIPT).arg(1).arg(self.key(name)).arg(epoch).arg(length).arg(after).arg(u8::from(begins));
        for entry in entries {
            eval.arg(entry.position);
            for (name, value) in &entry.fields {
                eval.arg(*name).arg(value);
            }
        }
        let (state, position): (u8, i64) = self.ask(&eval).await?;
        Ok(match state {
            0 => StreamTop::At(position),
            1 => StreamTop::Behind(position),
            _ => StreamTop::Nothing,
        })
    }
}
