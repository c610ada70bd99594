/** The shells that have a script. */
export type Shell = 'bash' | 'zsh' | 'fish' | 'powershell'

/**
 * The scripts evaluate nothing: neither what is typed nor what the program answers. Each shell quotes
 * what it inserts. The word at the cursor goes behind a `=`, since PowerShell drops an empty argument.
 */
export const completionScripts: Readonly<Record<Shell, string>> = {
  // By COMP_LINE: COMP_WORDS are also parted at ":" and "=". Without what bash 3.2 of macOS lacks.
  bash: `# completion of finchat-secrets for bash
_finchat_secrets() {
  local IFS=$' \\t\\n' line=\${COMP_LINE:0:COMP_POINT} partial='' before value _ reply
  local -a words
  read -r -a words <<< "$line"
  if [[ $line != *[[:space:]] ]]; then
    partial=\${words[\${#words[@]}-1]}
    words=("\${words[@]:0:\${#words[@]}-1}")
  fi
  before=\${partial%"$2"}
  COMPREPLY=()
  while IFS=$'\\t' read -r value _; do
    printf -v reply %q "\${value#"$before"}"
    COMPREPLY+=("$reply")
  done < <(command finchat-secrets __complete "=$partial" "\${words[@]:1}" 2>/dev/null)
}
complete -o default -F _finchat_secrets finchat-secrets
`,
  zsh: `# completion of finchat-secrets for zsh
_finchat_secrets() {
  local -a values shown
  local value brief
  while IFS=$'\\t' read -r value brief; do
    values+=("$value")
    shown+=("$value\${brief:+  -- $brief}")
  done < <(command finchat-secrets __complete "=\${(Q)PREFIX}" "\${(@Q)words[2,CURRENT-1]}" 2>/dev/null)
  if (( $#values )); then
    compadd -l -d shown -a -- values
  else
    _files
  fi
}
compdef _finchat_secrets finchat-secrets
`,
  fish: `# completion of finchat-secrets for fish
function __finchat_secrets_complete
    set -l words (commandline -opc)
    set -l partial (commandline -ct)
    command finchat-secrets __complete "=$partial" $words[2..-1] 2>/dev/null
end
complete -c finchat-secrets -f -a '(__finchat_secrets_complete)'
`,
  powershell: `# completion of finchat-secrets for PowerShell
Register-ArgumentCompleter -Native -CommandName finchat-secrets -ScriptBlock {
  param($partial, $ast, $cursor)
  $words = @($ast.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object { $_.Extent.Text })
  & finchat-secrets __complete "=$partial" @words 2>$null | ForEach-Object {
    $value, $brief = $_ -split "\`t", 2
    $text = if ($value -match '^[A-Za-z0-9/_+=.:-]+$') { $value } else { "'" + $value.Replace("'", "''") + "'" }
    $tip = if ($brief) { $brief } else { $value }
    [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $tip)
  }
}
`,
}
