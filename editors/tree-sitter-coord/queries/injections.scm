; Scripts and texts in fences, by their tag. `${…}` is the shell's in a script and coord's in a
; text: a script takes everything, a text leaves the places out.

((fence
  language: (language) @injection.language
  content: (fence_content) @injection.content)
  (#not-any-of? @injection.language
    "sh" "shell" "zsh" "dash" "ksh" "python3" "py" "js" "node" "mjs" "cjs" "ts" "md" "rb" "pl"
    "yml" "pwsh" "ps1" "rs" "patch" "markdown" "text" "txt")
  (#set! injection.include-children))

((fence
  language: (language) @_tag
  content: (fence_content) @injection.content)
  (#any-of? @_tag "sh" "shell" "zsh" "dash" "ksh")
  (#set! injection.language "bash")
  (#set! injection.include-children))

((fence
  language: (language) @_tag
  content: (fence_content) @injection.content)
  (#any-of? @_tag "python3" "py")
  (#set! injection.language "python")
  (#set! injection.include-children))

((fence
  language: (language) @_tag
  content: (fence_content) @injection.content)
  (#any-of? @_tag "js" "node" "mjs" "cjs")
  (#set! injection.language "javascript")
  (#set! injection.include-children))

((fence
  language: (language) @_tag
  content: (fence_content) @injection.content)
  (#eq? @_tag "ts")
  (#set! injection.language "typescript")
  (#set! injection.include-children))

((fence
  language: (language) @_tag
  content: (fence_content) @injection.content)
  (#eq? @_tag "rb")
  (#set! injection.language "ruby")
  (#set! injection.include-children))

((fence
  language: (language) @_tag
  content: (fence_content) @injection.content)
  (#eq? @_tag "pl")
  (#set! injection.language "perl")
  (#set! injection.include-children))

((fence
  language: (language) @_tag
  content: (fence_content) @injection.content)
  (#eq? @_tag "yml")
  (#set! injection.language "yaml")
  (#set! injection.include-children))

((fence
  language: (language) @_tag
  content: (fence_content) @injection.content)
  (#any-of? @_tag "pwsh" "ps1")
  (#set! injection.language "powershell")
  (#set! injection.include-children))

((fence
  language: (language) @_tag
  content: (fence_content) @injection.content)
  (#eq? @_tag "rs")
  (#set! injection.language "rust")
  (#set! injection.include-children))

((fence
  language: (language) @_tag
  content: (fence_content) @injection.content)
  (#eq? @_tag "patch")
  (#set! injection.language "diff")
  (#set! injection.include-children))

((fence
  language: (language) @_tag
  content: (fence_content) @injection.content)
  (#any-of? @_tag "md" "markdown")
  (#set! injection.language "markdown"))

([(comment) (doc_comment)] @injection.content
  (#set! injection.language "comment"))
