// Elements without a framework. Texts go in as text nodes: nothing from a file is ever parsed as HTML.

/** h("p", {class: "x"}, "text", child, null) */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  element.append(...children.flat().filter((child) => child != null));
  return element;
}

let last = 0;
/** An id for aria-labelledby and links; texts of files would not do, they may hold anything. */
export const newId = (prefix) => `${prefix}-${++last}`;

export const list = (items) => (items.length ? h("ul", {}, items.map((item) => h("li", {}, item))) : null);
