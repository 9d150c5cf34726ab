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
(interpolation ["${" "}"] @punctuation.special)
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

; Statements, wherever a statement may begin.

((keyword) @keyword.directive
  (#any-of? @keyword.directive "edition"))

((keyword) @keyword.import
  (#any-of? @keyword.import "use"))

((keyword) @keyword.type
  (#any-of? @keyword.type "project" "param" "secret" "calendar" "agent" "human" "tier" "group" "produces" "env" "command" "task" "phase" "sync" "milestone" "workflow" "resource" "gate" "escalation" "level" "conflict" "domain" "handoff" "field" "incident" "mode" "channel" "template" "metric" "dashboard" "diagram"))

((keyword) @keyword
  (#any-of? @keyword "timezone" "starts" "version" "owner" "review" "meta" "on" "allow" "context" "working" "hours" "holiday" "members" "id" "role" "focus" "contact" "does" "tool" "owns" "needs" "wants" "capacity" "can" "tag" "standby" "via" "cost" "authority" "talks" "health" "after" "weeks" "window" "call" "at" "every" "participants" "require" "agenda" "within" "by" "takes" "run" "ask" "do" "writes" "reads" "uses" "priority" "deadline" "due" "criticality" "requires" "ensures" "approve" "timeout" "retry" "idempotent" "undo" "each" "dir" "isolate" "check" "applies" "sla" "otherwise" "detect" "reviewers" "decide" "consensus" "escalate" "lead" "support" "may" "paths" "record" "accept" "respond" "declare" "start" "enter" "cancel" "exit" "restart" "file" "http" "stdout" "format" "reply" "target" "from" "unit" "refresh" "widget" "arrows" "edge" "expect" "test" "given"))

((keyword) @keyword.repeat
  (#any-of? @keyword.repeat "parallel" "sequence"))

((keyword) @keyword.conditional
  (#any-of? @keyword.conditional "when"))

; Names, where they are declared.

((statement keyword: (keyword) @_statement . (word) @module)
  (#any-of? @_statement "project"))
((statement keyword: (keyword) @_statement . (call name: (word) @module))
  (#any-of? @_statement "project"))

((statement keyword: (keyword) @_statement . (word) @variable.parameter)
  (#any-of? @_statement "param" "secret" "env" "field"))
((statement keyword: (keyword) @_statement . (call name: (word) @variable.parameter))
  (#any-of? @_statement "param" "secret" "env" "field"))

((statement keyword: (keyword) @_statement . (word) @constant)
  (#any-of? @_statement "calendar" "produces" "command" "resource" "gate" "escalation" "level" "conflict" "domain" "handoff" "incident" "mode" "channel" "template" "metric" "dashboard" "diagram"))
((statement keyword: (keyword) @_statement . (call name: (word) @constant))
  (#any-of? @_statement "calendar" "produces" "command" "resource" "gate" "escalation" "level" "conflict" "domain" "handoff" "incident" "mode" "channel" "template" "metric" "dashboard" "diagram"))

((statement keyword: (keyword) @_statement . (word) @type)
  (#any-of? @_statement "agent" "human" "tier" "group"))
((statement keyword: (keyword) @_statement . (call name: (word) @type))
  (#any-of? @_statement "agent" "human" "tier" "group"))

((statement keyword: (keyword) @_statement . (word) @function)
  (#any-of? @_statement "task" "phase" "sync" "milestone" "workflow"))
((statement keyword: (keyword) @_statement . (call name: (word) @function))
  (#any-of? @_statement "task" "phase" "sync" "milestone" "workflow"))

; Words and values that mean something behind one statement only.

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "use")
  (#any-of? @keyword.modifier "as"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "param")
  (#any-of? @constant.builtin "text" "int" "percent" "duration" "date" "url" "path" "bool" "true" "false"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "param")
  (#any-of? @keyword.modifier "default"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "secret")
  (#any-of? @keyword.modifier "from" "env" "file"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "calendar")
  (#any-of? @constant.builtin "default"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "timezone")
  (#any-of? @constant.builtin "UTC"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "starts")
  (#any-of? @constant.builtin "now"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "owner")
  (#any-of? @keyword.modifier "of"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "review")
  (#any-of? @constant.builtin "day" "days" "hour" "hours" "minute" "week" "weeks" "month" "months" "quarter" "year" "monday" "tuesday" "wednesday" "thursday" "friday" "saturday" "sunday"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "review")
  (#any-of? @keyword.modifier "every" "on"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "on")
  (#any-of? @constant.builtin "continue" "stop" "safe-mode" "P0" "P1" "P2" "P3" "created" "assigned" "in-progress" "review" "completed" "blocked" "failed" "skipped" "cancelled" "true" "false" "yes" "no"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "on")
  (#any-of? @keyword.modifier "else" "fail" "skip" "proceed" "halt" "escalate" "to" "retry" "reassign" "isolate" "agent" "redistribute" "recover" "run" "rollback" "start" "enter" "set" "priority" "notify" "via" "record" "warn" "because" "do" "for" "when" "failure" "and" "or" "not" "metric" "exit" "timeout"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "allow")
  (#any-of? @keyword.modifier "because"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "working")
  (#any-of? @constant.builtin "monday" "tuesday" "wednesday" "thursday" "friday" "saturday" "sunday"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "tier")
  (#any-of? @keyword.modifier "rank"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "members")
  (#any-of? @constant.builtin "created" "assigned" "in-progress" "review" "completed" "blocked" "failed" "skipped" "cancelled" "true" "false" "yes" "no"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "members")
  (#any-of? @keyword.modifier "agents" "where" "tagged" "all" "except" "any" "and" "or" "not"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "owns")
  (#any-of? @keyword.modifier "shared" "except" "area"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "needs")
  (#any-of? @keyword.modifier "all" "any" "of" "except" "within" "else" "failed" "finished" "skipped" "agents" "where" "tagged" "fail" "skip" "proceed" "halt" "escalate" "to" "retry" "reassign" "isolate" "agent" "redistribute" "recover" "run" "rollback" "start" "enter" "set" "priority" "notify" "via" "record" "warn" "because" "do"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "wants")
  (#any-of? @keyword.modifier "all" "any" "of" "except" "within" "agents" "where" "tagged"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "standby")
  (#any-of? @keyword.modifier "any" "of" "all"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "via")
  (#any-of? @constant.builtin "shell" "human" "http" "acp" "mcp" "a2a" "remote"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "via")
  (#any-of? @keyword.modifier "tool" "label"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "authority")
  (#any-of? @constant.builtin "full"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "talks")
  (#any-of? @keyword.modifier "to" "all" "any"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "health")
  (#any-of? @keyword.modifier "run" "every"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "after")
  (#any-of? @constant.builtin "ok"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "after")
  (#any-of? @keyword.modifier "start" "of" "hours"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "at")
  (#any-of? @constant.builtin "end"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "at")
  (#any-of? @keyword.modifier "every"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "every")
  (#any-of? @constant.builtin "day" "days" "hour" "hours" "minute" "week" "weeks" "month" "months" "quarter" "year" "monday" "tuesday" "wednesday" "thursday" "friday" "saturday" "sunday" "batch"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "every")
  (#any-of? @keyword.modifier "at" "on"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "participants")
  (#any-of? @keyword.modifier "all" "any" "of" "except"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "require")
  (#any-of? @keyword.modifier "by" "any" "of" "sender" "receiver"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "within")
  (#any-of? @keyword.modifier "else" "fail" "skip" "proceed" "halt" "escalate" "to" "retry" "reassign" "isolate" "agent" "redistribute" "recover" "run" "rollback" "start" "enter" "set" "priority" "notify" "via" "record" "warn" "because" "do"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "by")
  (#any-of? @keyword.modifier "any" "of" "who" "can" "all"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "when")
  (#any-of? @constant.builtin "created" "assigned" "in-progress" "review" "completed" "blocked" "failed" "skipped" "cancelled" "true" "false" "yes" "no"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "when")
  (#any-of? @keyword.modifier "and" "or" "not"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "do")
  (#any-of? @keyword.modifier "else" "fail" "skip" "proceed" "halt" "escalate" "to" "retry" "reassign" "isolate" "agent" "redistribute" "recover" "run" "rollback" "start" "enter" "set" "priority" "notify" "via" "record" "warn" "because" "do"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "priority")
  (#any-of? @constant.builtin "P0" "P1" "P2" "P3"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "due")
  (#any-of? @constant.builtin "monday" "tuesday" "wednesday" "thursday" "friday" "saturday" "sunday"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "due")
  (#any-of? @keyword.modifier "week" "day"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "criticality")
  (#any-of? @constant.builtin "critical" "high" "medium" "low"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "approve")
  (#any-of? @keyword.modifier "by" "of" "any" "within" "else" "fail" "skip" "proceed" "halt" "escalate" "to" "retry" "reassign" "isolate" "agent" "redistribute" "recover" "run" "rollback" "start" "enter" "set" "priority" "notify" "via" "record" "warn" "because" "do"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "retry")
  (#any-of? @keyword.modifier "every" "factor" "up" "to" "on" "exit" "timeout"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "undo")
  (#any-of? @keyword.modifier "run"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "each")
  (#any-of? @keyword.modifier "in"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "isolate")
  (#any-of? @constant.builtin "worktree" "agent"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "check")
  (#any-of? @constant.builtin "created" "assigned" "in-progress" "review" "completed" "blocked" "failed" "skipped" "cancelled" "true" "false" "yes" "no"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "check")
  (#any-of? @keyword.modifier "run" "when" "by" "any" "of" "exists" "and" "or" "not"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "applies")
  (#any-of? @keyword.modifier "to" "all" "agent" "domain"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "level")
  (#any-of? @keyword.modifier "by" "within" "any" "of" "do"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "otherwise")
  (#any-of? @constant.builtin "halt" "fail" "safe-mode"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "reviewers")
  (#any-of? @keyword.modifier "all" "any" "of"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "decide")
  (#any-of? @keyword.modifier "within" "by" "any" "of"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "escalate")
  (#any-of? @keyword.modifier "after" "to"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "may")
  (#any-of? @keyword.modifier "halt"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "field")
  (#any-of? @constant.builtin "text" "int" "percent" "duration" "date" "url" "path" "bool" "list"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "accept")
  (#any-of? @keyword.modifier "within" "else" "fail" "skip" "proceed" "halt" "escalate" "to" "retry" "reassign" "isolate" "agent" "redistribute" "recover" "run" "rollback" "start" "enter" "set" "priority" "notify" "via" "record" "warn" "because" "do"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "respond")
  (#any-of? @keyword.modifier "within"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "declare")
  (#any-of? @keyword.modifier "by" "any" "of"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "enter")
  (#any-of? @keyword.modifier "run"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "cancel")
  (#any-of? @constant.builtin "running"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "exit")
  (#any-of? @keyword.modifier "run"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "restart")
  (#any-of? @keyword.modifier "at" "a" "time"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "reply")
  (#any-of? @keyword.modifier "within"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "from")
  (#any-of? @keyword.modifier "run" "by"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "widget")
  (#any-of? @constant.builtin "progress-bar" "agent-status" "blocker-list" "timeline" "metrics" "graph" "alerts" "gantt" "inbox"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "arrows")
  (#any-of? @constant.builtin "dependency" "dependent"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "expect")
  (#any-of? @constant.builtin "created" "assigned" "in-progress" "review" "completed" "blocked" "failed" "skipped" "cancelled" "true" "false" "yes" "no" "P0" "P1" "P2" "P3"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "expect")
  (#any-of? @keyword.modifier "by" "escalation" "reaches" "at" "starts" "ends" "before" "after" "within" "and" "or" "not" "run" "closes" "halts" "opens" "warning" "left" "isolated" "entered" "asks" "notified" "with" "workflow" "asked" "digest" "mode" "of" "gate" "incident" "passes" "reassigned" "completes" "accepted" "undo" "fails" "never" "agent" "conflict" "a" "done" "handoff" "via" "back"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "test")
  (#any-of? @keyword.modifier "of"))

((statement keyword: (keyword) @_statement
  [(word) @constant.builtin (list (word) @constant.builtin) (group (word) @constant.builtin) (range (word) @constant.builtin)])
  (#eq? @_statement "given")
  (#any-of? @constant.builtin "created" "assigned" "in-progress" "review" "completed" "blocked" "failed" "skipped" "cancelled" "true" "false" "yes" "no" "P0" "P1" "P2" "P3"))

((statement keyword: (keyword) @_statement
  [(word) @keyword.modifier (list (word) @keyword.modifier) (group (word) @keyword.modifier) (range (word) @keyword.modifier)])
  (#eq? @_statement "given")
  (#any-of? @keyword.modifier "task" "agent" "fails" "silent" "at" "after" "human" "halts" "opens" "outputs" "escalation" "left" "crash" "exhausted" "entered" "mode" "refused" "by" "gate" "param" "incident" "recovers" "metric" "times" "rejects" "is" "answers" "between" "recovery" "conflict" "takes" "resource" "handoff"))
