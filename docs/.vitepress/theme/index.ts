import type { Theme } from 'vitepress'
import DefaultTheme from 'vitepress/theme-without-fonts'
import './style.css'

/** The layout of the first page has no landmark for its content; every other one has. */
function markMain(layout: unknown): void {
  if (typeof document === 'undefined') return // while the site is built
  const content = document.getElementById('VPContent')
  if (layout === 'home') content?.setAttribute('role', 'main')
  else content?.removeAttribute('role')
}

export default {
  extends: DefaultTheme,
  enhanceApp: ({ router }) => {
    router.onAfterRouteChange = () => markMain(router.route.data.frontmatter['layout'])
  },
} satisfies Theme
