// The pictures that come with the page. All may be used freely: see assets/README.md of the project.

const sample = (file, alt) => ({ file, alt });

export const contents = [
  sample("content-astronaut.jpg", "an astronaut"),
  sample("content-cat.jpg", "a cat"),
  sample("content-rocket.jpg", "a rocket lifting off"),
  sample("content-raccoon.jpg", "a raccoon"),
  sample("content-coffee.jpg", "a cup of coffee"),
];

export const styles = [
  sample("style-swirl.jpg", "swirls in blue and gold"),
  sample("style-facets.jpg", "stained glass"),
  sample("style-mosaic.jpg", "a mosaic"),
  sample("style-watercolour.jpg", "a watercolour"),
  sample("style-woodcut.jpg", "a woodcut"),
];
