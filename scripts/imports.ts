const staticImport = /^(?:(?:import|export|\})[^'"`\n]*?\bfrom\s*|import\s*)['"]([^'"\n]+)['"]/gm
const dynamicImport = /\b(?:import|require|getBuiltinModule)\(\s*['"]([^'"\n]+)['"]/g

/**
 * What a source file imports, from statements at the start of a line and from calls; comments count
 * for nothing.
 */
export function importsOf(source: string): string[] {
  const dynamic = withoutComments(source).matchAll(dynamicImport)
  return [...staticImportsOf(source), ...[...dynamic].flatMap(([, specifier]) => specifier ?? [])]
}

/** What it imports before it runs. */
export function staticImportsOf(source: string): string[] {
  return [...withoutComments(source).matchAll(staticImport)].flatMap(([, specifier]) => specifier ?? [])
}

function withoutComments(source: string): string {
  return source.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '')
}
