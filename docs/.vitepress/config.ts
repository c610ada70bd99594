// The documentation site. `pnpm site` lays the pages into `.cache/pages` first. A reader's
// browser loads nothing from elsewhere.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type DefaultTheme } from 'vitepress'
import { repositoryUrl } from '../../scripts/links.ts'
import { slugOf } from '../../scripts/site/anchors.ts'
import { groups } from '../../scripts/site/navigation.ts'

const pages = fileURLToPath(new URL('../.cache/pages', import.meta.url))
const read = (file: string): unknown => JSON.parse(readFileSync(`${pages}/${file}`, 'utf8'))
const sources = read('sources.json') as Record<string, string> // as scripts/site/stage.ts wrote it
const reference = read('reference.json') as DefaultTheme.SidebarItem[] // as docs/reference.mjs wrote it

const sidebar = groups.map(({ text, pages: entries }) => ({
  text,
  collapsed: false,
  items: Object.entries(entries).map(([page, words]) => ({ text: words, link: `/${page.replace(/index$/, '')}` })),
}))

export default defineConfig({
  title: '@finchat/secrets',
  description: 'Secrets for Node.js services, in a fallback chain that never lies.',
  lang: 'en',
  srcDir: '.cache/pages',
  outDir: 'dist',
  cacheDir: '.cache/vite',
  markdown: {
    anchor: { slugify: slugOf },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    languageAlias: { gitignore: 'ini', promql: 'txt' },
    // Two braces in a document are no expression of Vue.
    config: ({ renderer, utils }) => {
      const escape = (text = ''): string => utils.escapeHtml(text).replaceAll('{{', '&#123;&#123;')
      renderer.rules.text = (tokens, index) => escape(tokens[index]?.content)
      renderer.rules.code_inline = (tokens, index) => `<code>${escape(tokens[index]?.content)}</code>`
    },
  },
  // The link to the source needs the document that was staged; the reference has none.
  transformPageData: (page) => {
    const source = sources[page.filePath]
    return source === undefined ? { frontmatter: { ...page.frontmatter, editLink: false } } : { filePath: source }
  },
  vite: { build: { chunkSizeWarningLimit: 2_000 } }, // the index of the search is one file, loaded on use
  themeConfig: {
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Operations', link: '/runbooks' },
      { text: 'Security', link: '/security' },
      { text: 'Reference', link: '/reference/' },
    ],
    sidebar: {
      '/reference/': [{ text: 'API reference', link: '/reference/', items: reference }],
      '/': [...sidebar, { text: 'API reference', link: '/reference/' }],
    },
    outline: [2, 3],
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: repositoryUrl }],
    editLink: { text: 'The source of this page', pattern: `${repositoryUrl}/blob/main/:path` },
  },
})
