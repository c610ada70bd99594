/** Whether a name is what a pattern describes; `*` stands for any characters, slashes too. */
export function matchesGlob(name: string, pattern: string): boolean {
  const [first = '', ...parts] = pattern.split('*')
  const last = parts.pop()
  if (last === undefined) return name === first
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false
  let rest = name.slice(first.length, name.length - last.length)
  for (const part of parts) {
    const at = rest.indexOf(part)
    if (at === -1) return false
    rest = rest.slice(at + part.length)
  }
  return true
}

export function isGlob(pattern: string): boolean {
  return pattern.includes('*')
}
