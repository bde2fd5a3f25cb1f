export interface Row {
  sku: string;
  name: string;
  description: string;
  categorySlug: string;
  price: string;
  stock: number;
  tags?: string[];
  images?: string[];
}

export interface Parsed {
  rows: Row[];
  /** What is wrong with the file, by line; the first line is 1. */
  mistakes: { line: number; message: string }[];
}

const REQUIRED = ['sku', 'name', 'description', 'categorySlug', 'price', 'stock'] as const;

/** The rows of a file such as docs/products.csv: comma-separated, fields in double quotes where they need them. */
export function parseProducts(text: string): Parsed {
  const [head, ...lines] = records(text);
  const names = head?.fields.map((field) => field.trim()) ?? [];
  const missing = REQUIRED.filter((name) => !names.includes(name));
  if (missing.length > 0)
    return { rows: [], mistakes: [{ line: 1, message: `There is no column ${missing.join(', ')}.` }] };

  const parsed: Parsed = { rows: [], mistakes: [] };
  for (const { line, fields } of lines) {
    const cell = (name: string) => fields[names.indexOf(name)]?.trim() ?? '';
    const stock = Number(cell('stock'));
    if (fields.length !== names.length) {
      parsed.mistakes.push({
        line,
        message: `${fields.length} fields where there are ${names.length} columns.`,
      });
    } else if (!Number.isInteger(stock) || cell('stock') === '') {
      parsed.mistakes.push({ line, message: `The stock “${cell('stock')}” is no whole number.` });
    } else {
      const row: Row = {
        sku: cell('sku'),
        name: cell('name'),
        description: cell('description'),
        categorySlug: cell('categorySlug'),
        price: cell('price'),
        stock,
      };
      if (names.includes('tags')) row.tags = listOf(cell('tags'));
      if (names.includes('images')) row.images = listOf(cell('images'));
      parsed.rows.push(row);
    }
  }
  return parsed;
}

/** Parts of at most `size`, in order. */
export function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

function listOf(cell: string): string[] {
  return cell
    .split('|')
    .map((part) => part.trim())
    .filter(Boolean);
}

function records(text: string): { line: number; fields: string[] }[] {
  const found: { line: number; fields: string[] }[] = [];
  let fields: string[] = [];
  let field = '';
  let isQuoted = false;
  let line = 1;
  let begun = 1;
  const endRecord = () => {
    fields.push(field);
    if (fields.length > 1 || field.trim() !== '') found.push({ line: begun, fields });
    fields = [];
    field = '';
  };
  const source = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  for (let at = 0; at < source.length; at++) {
    const letter = source.charAt(at);
    if (letter === '\n') line++;
    if (isQuoted) {
      if (letter !== '"') field += letter;
      else if (source.charAt(at + 1) === '"') field += source.charAt(++at);
      else isQuoted = false;
    } else if (letter === '"') isQuoted = true;
    else if (letter === ',') {
      fields.push(field);
      field = '';
    } else if (letter === '\n') {
      endRecord();
      begun = line;
    } else field += letter;
  }
  endRecord();
  return found;
}
