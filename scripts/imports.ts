const staticImport = /^(?:(?:import|export|\})[^'"`\n]*?\bfrom\s*|import\s*)['"]([^'"\n]+)['"]/gm
const dynamicImport = /\b(?:import|require|getBuiltinModule)\(\s*['"]([^'"\n]+)['"]/g

/** What a source file imports, from statements at the start of a line and from calls; comments count for nothing. */
export function importsOf(source: string): string[] {
  const code = source.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '')
  return [...code.matchAll(staticImport), ...code.matchAll(dynamicImport)].flatMap(([, specifier]) => specifier ?? [])
}
