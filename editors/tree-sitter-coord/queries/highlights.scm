; Written by editors/generate.mjs from editors/words.json and highlights.mjs.

(comment) @comment
(doc_comment) @comment.documentation

(word) @variable
(path (word) @variable)
(path (word) . (word) @property)
(wildcard) @character.special
(call name: (word) @function.call)
(argument name: (word) @variable.parameter)

(string) @string
(raw_string) @string
(escape_sequence) @string.escape
(bad_escape) @error
(string (interpolation (word) @variable))

(fence_start) @punctuation.delimiter
(fence_end) @punctuation.delimiter
(language) @label
(fence_content) @string

[
  (number)
  (percent)
  (duration)
  (working_time)
  (factor)
  (bytes)
  (money)
  (rate)
  (quantity)
] @number

[
  (instant)
  (date)
  (time)
] @string.special

(operator) @operator
(range ".." @operator)
["[" "]" "(" ")" "{" "}"] @punctuation.bracket
"," @punctuation.delimiter
(argument ":" @punctuation.delimiter)
(interpolation ["${" "}"] @punctuation.special)

; Statements, wherever a statement may begin.

(keyword ["edition"] @keyword.directive)

(keyword ["use"] @keyword.import)

(keyword ["project" "param" "secret" "calendar" "agent" "human" "tier" "group" "produces" "env" "command" "task" "phase" "sync" "milestone" "workflow" "resource" "gate" "escalation" "level" "conflict" "domain" "handoff" "field" "incident" "mode" "channel" "template" "metric" "dashboard" "diagram"] @keyword.type)

(keyword ["timezone" "starts" "version" "owner" "review" "meta" "on" "allow" "context" "working" "hours" "holiday" "members" "id" "role" "focus" "contact" "does" "tool" "owns" "needs" "wants" "capacity" "can" "tag" "standby" "via" "cost" "budget" "auth" "callback" "authority" "talks" "health" "after" "weeks" "window" "call" "at" "every" "participants" "require" "agenda" "within" "by" "takes" "run" "ask" "do" "writes" "reads" "uses" "priority" "deadline" "due" "criticality" "requires" "ensures" "approve" "timeout" "retry" "idempotent" "preempts" "undo" "each" "dir" "isolate" "check" "applies" "sla" "otherwise" "detect" "reviewers" "decide" "consensus" "escalate" "lead" "support" "may" "paths" "record" "accept" "respond" "declare" "start" "enter" "cancel" "exit" "restart" "file" "http" "stdout" "format" "reply" "target" "from" "unit" "refresh" "widget" "arrows" "edge" "expect" "test" "given"] @keyword)

(keyword ["parallel" "sequence"] @keyword.repeat)

(keyword ["when"] @keyword.conditional)

; Names, where they are declared.

(statement keyword: (keyword ["project"])
  . (word) @module)
(statement keyword: (keyword ["project"])
  . (call name: (word) @module))

(statement keyword: (keyword ["param" "secret" "env" "field"])
  . (word) @variable.parameter)
(statement keyword: (keyword ["param" "secret" "env" "field"])
  . (call name: (word) @variable.parameter))

(statement keyword: (keyword ["calendar" "produces" "command" "resource" "gate" "escalation" "level" "conflict" "domain" "handoff" "incident" "mode" "channel" "template" "metric" "dashboard" "diagram"])
  . (word) @constant)
(statement keyword: (keyword ["calendar" "produces" "command" "resource" "gate" "escalation" "level" "conflict" "domain" "handoff" "incident" "mode" "channel" "template" "metric" "dashboard" "diagram"])
  . (call name: (word) @constant))

(statement keyword: (keyword ["agent" "human" "tier" "group"])
  . (word) @type)
(statement keyword: (keyword ["agent" "human" "tier" "group"])
  . (call name: (word) @type))

(statement keyword: (keyword ["task" "phase" "sync" "milestone" "workflow"])
  . (word) @function)
(statement keyword: (keyword ["task" "phase" "sync" "milestone" "workflow"])
  . (call name: (word) @function))

; Words and values that mean something behind one statement only.

((statement keyword: (keyword "use")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "as"))

((statement keyword: (keyword "param")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "text" "int" "percent" "duration" "date" "url" "path" "bool" "true" "false"))

((statement keyword: (keyword "param")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "default"))

((statement keyword: (keyword "secret")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "from" "env" "file"))

((statement keyword: (keyword "calendar")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "default"))

((statement keyword: (keyword "timezone")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "UTC"))

((statement keyword: (keyword "starts")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "now"))

((statement keyword: (keyword "owner")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "of"))

((statement keyword: (keyword "review")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "day" "days" "hour" "hours" "minute" "week" "weeks" "month" "months" "quarter" "year" "monday" "tuesday" "wednesday" "thursday" "friday" "saturday" "sunday"))

((statement keyword: (keyword "review")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "every" "on"))

((statement keyword: (keyword "on")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "continue" "stop" "safe-mode" "P0" "P1" "P2" "P3" "created" "assigned" "in-progress" "review" "completed" "blocked" "failed" "skipped" "cancelled" "true" "false" "yes" "no"))

((statement keyword: (keyword "on")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "else" "fail" "skip" "proceed" "halt" "escalate" "to" "retry" "reassign" "isolate" "agent" "redistribute" "recover" "run" "rollback" "start" "enter" "set" "priority" "notify" "via" "record" "warn" "because" "do" "for" "when" "failure" "and" "or" "not" "metric" "exit" "timeout"))

((statement keyword: (keyword "allow")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "because"))

((statement keyword: (keyword "working")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "monday" "tuesday" "wednesday" "thursday" "friday" "saturday" "sunday"))

((statement keyword: (keyword "tier")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "rank"))

((statement keyword: (keyword "members")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "created" "assigned" "in-progress" "review" "completed" "blocked" "failed" "skipped" "cancelled" "true" "false" "yes" "no"))

((statement keyword: (keyword "members")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "agents" "where" "tagged" "all" "except" "any" "and" "or" "not"))

((statement keyword: (keyword "owns")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "shared" "except" "area"))

((statement keyword: (keyword "needs")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "all" "any" "of" "except" "within" "else" "failed" "finished" "skipped" "agents" "where" "tagged" "fail" "skip" "proceed" "halt" "escalate" "to" "retry" "reassign" "isolate" "agent" "redistribute" "recover" "run" "rollback" "start" "enter" "set" "priority" "notify" "via" "record" "warn" "because" "do"))

((statement keyword: (keyword "wants")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "all" "any" "of" "except" "within" "agents" "where" "tagged"))

((statement keyword: (keyword "standby")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "any" "of" "all"))

((statement keyword: (keyword "via")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "shell" "human" "http" "acp" "mcp" "a2a" "remote"))

((statement keyword: (keyword "via")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "tool" "label"))

((statement keyword: (keyword "budget")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "tokens" "else" "fail" "skip" "proceed" "halt" "escalate" "to" "retry" "reassign" "isolate" "agent" "redistribute" "recover" "run" "rollback" "start" "enter" "set" "priority" "notify" "via" "record" "warn" "because" "do"))

((statement keyword: (keyword "auth")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "as"))

((statement keyword: (keyword "callback")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "at"))

((statement keyword: (keyword "authority")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "full"))

((statement keyword: (keyword "talks")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "to" "all" "any"))

((statement keyword: (keyword "health")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "run" "every"))

((statement keyword: (keyword "after")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "ok"))

((statement keyword: (keyword "after")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "start" "of" "hours"))

((statement keyword: (keyword "at")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "end"))

((statement keyword: (keyword "at")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "every"))

((statement keyword: (keyword "every")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "day" "days" "hour" "hours" "minute" "week" "weeks" "month" "months" "quarter" "year" "monday" "tuesday" "wednesday" "thursday" "friday" "saturday" "sunday" "batch"))

((statement keyword: (keyword "every")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "at" "on"))

((statement keyword: (keyword "participants")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "all" "any" "of" "except"))

((statement keyword: (keyword "require")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "by" "any" "of" "sender" "receiver"))

((statement keyword: (keyword "within")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "else" "fail" "skip" "proceed" "halt" "escalate" "to" "retry" "reassign" "isolate" "agent" "redistribute" "recover" "run" "rollback" "start" "enter" "set" "priority" "notify" "via" "record" "warn" "because" "do"))

((statement keyword: (keyword "by")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "any" "of" "who" "can" "all"))

((statement keyword: (keyword "when")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "created" "assigned" "in-progress" "review" "completed" "blocked" "failed" "skipped" "cancelled" "true" "false" "yes" "no"))

((statement keyword: (keyword "when")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "and" "or" "not"))

((statement keyword: (keyword "do")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "else" "fail" "skip" "proceed" "halt" "escalate" "to" "retry" "reassign" "isolate" "agent" "redistribute" "recover" "run" "rollback" "start" "enter" "set" "priority" "notify" "via" "record" "warn" "because" "do"))

((statement keyword: (keyword "priority")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "P0" "P1" "P2" "P3"))

((statement keyword: (keyword "due")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "monday" "tuesday" "wednesday" "thursday" "friday" "saturday" "sunday"))

((statement keyword: (keyword "due")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "week" "day"))

((statement keyword: (keyword "criticality")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "critical" "high" "medium" "low"))

((statement keyword: (keyword "approve")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "by" "of" "any" "within" "else" "fail" "skip" "proceed" "halt" "escalate" "to" "retry" "reassign" "isolate" "agent" "redistribute" "recover" "run" "rollback" "start" "enter" "set" "priority" "notify" "via" "record" "warn" "because" "do"))

((statement keyword: (keyword "retry")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "every" "factor" "up" "to" "on" "exit" "timeout"))

((statement keyword: (keyword "undo")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "run"))

((statement keyword: (keyword "each")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "in"))

((statement keyword: (keyword "isolate")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "worktree" "agent"))

((statement keyword: (keyword "check")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "created" "assigned" "in-progress" "review" "completed" "blocked" "failed" "skipped" "cancelled" "true" "false" "yes" "no"))

((statement keyword: (keyword "check")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "run" "when" "by" "any" "of" "exists" "and" "or" "not"))

((statement keyword: (keyword "applies")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "to" "all" "agent" "domain"))

((statement keyword: (keyword "level")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "by" "within" "any" "of" "do"))

((statement keyword: (keyword "otherwise")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "halt" "fail" "safe-mode"))

((statement keyword: (keyword "reviewers")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "all" "any" "of"))

((statement keyword: (keyword "decide")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "within" "by" "any" "of"))

((statement keyword: (keyword "escalate")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "after" "to"))

((statement keyword: (keyword "may")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "halt"))

((statement keyword: (keyword "field")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "text" "int" "percent" "duration" "date" "url" "path" "bool" "list"))

((statement keyword: (keyword "accept")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "within" "else" "fail" "skip" "proceed" "halt" "escalate" "to" "retry" "reassign" "isolate" "agent" "redistribute" "recover" "run" "rollback" "start" "enter" "set" "priority" "notify" "via" "record" "warn" "because" "do"))

((statement keyword: (keyword "respond")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "within"))

((statement keyword: (keyword "declare")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "by" "any" "of"))

((statement keyword: (keyword "enter")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "run"))

((statement keyword: (keyword "cancel")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "running"))

((statement keyword: (keyword "exit")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "run"))

((statement keyword: (keyword "restart")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "at" "a" "time"))

((statement keyword: (keyword "reply")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "within"))

((statement keyword: (keyword "from")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "run" "by"))

((statement keyword: (keyword "widget")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "progress-bar" "agent-status" "blocker-list" "timeline" "metrics" "graph" "alerts" "gantt" "inbox"))

((statement keyword: (keyword "arrows")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "dependency" "dependent"))

((statement keyword: (keyword "expect")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "created" "assigned" "in-progress" "review" "completed" "blocked" "failed" "skipped" "cancelled" "true" "false" "yes" "no" "P0" "P1" "P2" "P3"))

((statement keyword: (keyword "expect")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "by" "escalation" "reaches" "at" "starts" "ends" "before" "after" "within" "and" "or" "not" "run" "closes" "halts" "opens" "warning" "left" "isolated" "entered" "asks" "notified" "with" "workflow" "asked" "digest" "mode" "of" "gate" "incident" "passes" "reassigned" "completes" "accepted" "undo" "fails" "never" "agent" "conflict" "a" "done" "handoff" "via" "back"))

((statement keyword: (keyword "test")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "of"))

((statement keyword: (keyword "given")
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#any-of? @constant.builtin "created" "assigned" "in-progress" "review" "completed" "blocked" "failed" "skipped" "cancelled" "true" "false" "yes" "no" "P0" "P1" "P2" "P3"))

((statement keyword: (keyword "given")
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#any-of? @keyword.modifier "task" "agent" "fails" "silent" "at" "after" "human" "halts" "opens" "outputs" "escalation" "left" "crash" "exhausted" "entered" "mode" "refused" "by" "gate" "param" "incident" "recovers" "metric" "times" "rejects" "is" "answers" "between" "recovery" "conflict" "takes" "resource" "handoff"))
